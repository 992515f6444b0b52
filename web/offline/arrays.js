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
