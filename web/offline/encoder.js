// The bundle's own query encoder in the browser: onnxruntime-web, one thread, no eval.

export async function open({ base, model, wasm }) {
  const ort = await import(`${base}/ort.wasm.min.mjs`);
  ort.env.wasm.numThreads = 1; // threads need headers that would shut out other pages' windows
  ort.env.wasm.wasmPaths = `${base}/`;
  ort.env.wasm.wasmBinary = wasm;
  ort.env.logLevel = "error";
  const session = await ort.InferenceSession.create(model, { executionProviders: ["wasm"] });
  const run = async (ids) => {
    const shape = [1, ids.length];
    const found = await session.run({
      input_ids: new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), shape),
      attention_mask: new ort.Tensor("int64", new BigInt64Array(ids.length).fill(1n), shape),
    });
    return found[session.outputNames[0]].data;
  };
  // Token ids → unit vector.
  return async (ids) => {
    const vector = await run(ids);
    const norm = Math.max(Math.hypot(...vector), 1e-12);
    return Float32Array.from(vector, (value) => value / norm);
  };
}
