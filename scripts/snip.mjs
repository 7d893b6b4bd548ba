/**
 * Takes the texts of panics out of a wasm. A panic ends in a trap, whatever it says, and on this target nobody hears it; but the functions
 * that would say it bring all of `core::fmt` along. Each of them becomes the trap that it leads to.
 */
import binaryen from "binaryen";
import { Failure } from "./process.mjs";
import { tidy } from "./why.mjs";

const { BulkMemory, BulkMemoryOpt, Multivalue, MutableGlobals, NontrappingFPToInt, ReferenceTypes, SignExt, SIMD128 } = binaryen.Features;
/** What hosts are known to have: with more, the wasm is written in ways that they do not read. */
const features = [BulkMemory, BulkMemoryOpt, Multivalue, MutableGlobals, NontrappingFPToInt, ReferenceTypes, SignExt, SIMD128].reduce((all, one) => all | one, 0);

/** Functions of the standard library that never return: they say why, and trap. */
const panics = [
  /^(core|std)::panicking::/,
  /^core::(\w+::)+(slice_index_fail|slice_error_fail\w*|len_mismatch_fail|expect_failed|unwrap_failed|panic_\w+)$/,
  /^alloc::(\w+::)+(handle_error|handle_alloc_error|capacity_overflow)$/,
  /^__rustc::(rust_begin_unwind|rust_panic|__rust_alloc_error_handler)$/,
];

/**
 * The files that panics name: strings of the standard library, of crates and of this one. Only the texts of panics use them, which are gone,
 * and zeros travel for nothing; so the wasm does not tell either where it was built.
 */
const paths = /(\/[\w.+@-]+)+\.rs|src(\/\w+)+\.rs/g;

/**
 * @param {Uint8Array} wasm with the names of its functions
 * @returns {Uint8Array} the same without those texts, the names kept
 */
export function snip(wasm) {
  const module = binaryen.readBinary(wasm);
  try {
    module.setFeatures(features);
    const all = Array.from({ length: module.getNumFunctions() }, (_, index) => binaryen.getFunctionInfo(module.getFunctionByIndex(index)));
    const found = all.filter(({ name }) => panics.some((pattern) => pattern.test(tidy(name))));
    if (found.length === 0) throw new Failure("no function of the wasm says why it panics", "adjust the names in scripts/snip.mjs to this version of Rust");
    for (const { name, params, results } of found) {
      module.removeFunction(name);
      module.addFunction(name, params, results, [], module.unreachable());
    }
    binaryen.setDebugInfo(true);
    const bytes = Buffer.from(module.emitBinary()).toString("latin1");
    return Buffer.from(bytes.replaceAll(paths, (path) => "\0".repeat(path.length)), "latin1");
  } finally {
    module.dispose();
  }
}
