//! Memory of the wasm builds: takes what was freed first, then grows the memory that there is.

#[global_allocator]
static MEMORY: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
