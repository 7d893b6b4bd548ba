/**
 * Trims the script that wasm-bindgen makes: errors get codes, and what a bundler cannot leave out goes, so that of a package's classes only
 * those are taken that are imported.
 */
import { Failure } from "./process.mjs";

/** One registry for all classes, made when the first object is: to make one beside each class is an effect of the module. */
const registry = `
let finalization;
function held() {
    return finalization ??= typeof FinalizationRegistry === 'undefined'
        ? { register: () => {}, unregister: () => {} }
        : new FinalizationRegistry(([free, ptr]) => wasm[free](ptr, 1));
}
`;

/** What wasm-bindgen loads with says in words what servers do wrong, and what callers do that here is done by one caller. */
const load = `async function __wbg_load(module, imports) {
    if (module instanceof Response) {
        if (!module.ok) {
            throw new Error(module.url + ' answered ' + module.status);
        }
        // Only what has this type can be compiled while it arrives.
        if (module.headers.get('content-type') === 'application/wasm') {
            return WebAssembly.instantiateStreaming(module, imports);
        }
        module = await module.arrayBuffer();
    }
    const made = await WebAssembly.instantiate(module, imports);
    return made.instance ? made : { instance: made, module };
}
`;

/** @type {[what: string, pattern: RegExp, by: string | ((...found: string[]) => string)][]} */
const edits = [
  ["Symbol.dispose", /^if \(Symbol\.dispose\) .*\n/gm, ""],
  ["FinalizationRegistry", /^const \w+Finalization = [^;]*;\n/gm, ""],
  ["register", /(\w+)Finalization\.register\((\w+), ([\w.]+), \2\)/g, (_, name = "", object, pointer) => `held().register(${object}, ["__wbg_${name.toLowerCase()}_free", ${pointer}], ${object})`],
  ["unregister", /\w+Finalization\.unregister\(/g, "held().unregister("],
  [
    "_assertClass",
    /throw new Error\(`expected instance of \$\{klass\.name\}`\);/,
    'throw Object.assign(new TypeError("another object is needed here, made by this module"), { code: "invalid_option" });',
  ],
  ["__wbg_load", /async function __wbg_load\([^]*?\n\}\n/, load],
  // Whoever runs SIMD has `encodeInto`.
  ["encodeInto", /if \(!\('encodeInto' in cachedTextEncoder\)\) \{[^]*?\n\}\n/, ""],
  ["realloc", / {4}if \(realloc === undefined\) \{[^]*?\n {4}\}\n/, ""],
  ["__wbg_init", / {8}if \(Object\.getPrototypeOf\(module_or_path\)[^]*?\n {8}\}\n/, "        ({module_or_path} = module_or_path)\n"],
  ["fetch", / {4}if \(typeof module_or_path === 'string'[^]*?\n {4}\}\n/, ""],
  [
    "__wbindgen_throw",
    /(__wbg___wbindgen_throw_\w+: function\(arg0, arg1\) \{\n\s*)throw new Error\(getStringFromWasm0\(arg0, arg1\)\);/,
    '$1throw Object.assign(new Error(`given back by free(), or in use already: ${getStringFromWasm0(arg0, arg1)}`), { code: "freed" });',
  ],
];

/** @param {string} script */
export function trim(script) {
  let trimmed = script;
  for (const [what, pattern, by] of edits) {
    const before = trimmed;
    trimmed = trimmed.replace(pattern, /** @type {string} */ (by));
    if (trimmed === before) throw new Failure(`the script of wasm-bindgen has no ${what} as it was`, "adjust scripts/glue.mjs to this version of wasm-bindgen");
  }
  return trimmed + registry;
}
