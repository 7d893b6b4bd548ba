/** workerd and its bundlers give a compiled module for an import of a `.wasm` file. */
declare module "*.wasm" {
  const compiled: WebAssembly.Module;
  export default compiled;
}
