// Named arrays in one file, as index/offline.py packs them: the length of a JSON header (4 bytes, little
// endian), the header, then the arrays, each at a multiple of 8 bytes.

const KINDS = {
  i1: Int8Array, u1: Uint8Array, i2: Int16Array, u2: Uint16Array, i4: Int32Array, f4: Float32Array, f8: Float64Array,
};

export function unpack(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const begin = 8 * Math.ceil((4 + length) / 8);
  const arrays = {};
  for (const [name, [kind, offset, count]] of Object.entries(header.arrays)) {
    arrays[name] = new KINDS[kind](buffer, begin + offset, count);
  }
  return { ...header, arrays };
}

// IEEE 754 half precision, one Uint16 each, as 32-bit floats.
export function fromHalf(halves) {
  const whole = new Float32Array(halves.length);
  const bits = new Uint32Array(whole.buffer);
  for (let n = 0; n < halves.length; n++) {
    const half = halves[n];
    const [sign, exponent, fraction] = [half & 0x8000, (half >> 10) & 31, half & 1023];
    if (exponent) bits[n] = (sign << 16) | ((exponent + 112) << 23) | (fraction << 13);
    else whole[n] = (sign ? -1 : 1) * fraction * 2 ** -24;
  }
  return whole;
}
