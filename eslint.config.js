import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "target/", "node_modules/", ".wrangler/", ".peers/"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  {
    languageOptions: {
      globals: Object.fromEntries(
        ["console", "process", "performance", "fetch", "URL", "URLSearchParams", "Request", "Response", "Headers", "WebAssembly"]
          .concat(["TextEncoder", "TextDecoder", "setTimeout", "clearTimeout", "setInterval", "clearInterval", "AbortSignal", "crypto"])
          .map((name) => [name, "readonly"]),
      ),
    },
    rules: {
      eqeqeq: "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-new-func": "error",
      "prefer-const": "error",
    },
  },
  {
    // tsc knows every name there, the browser's as well.
    files: ["**/*.ts", "**/*.mjs"],
    rules: { "no-undef": "off" },
  },
  {
    files: ["tests/**/*.mjs", "scripts/**/*.mjs", "benches/**/*.mjs"],
    rules: {
      "no-restricted-syntax": [
        "error",
        {
          selector: "CallExpression[callee.property.name='waitForFunction'] > [async=true]",
          message: "Playwright takes a promise for true and waits for nothing: use `until` of tests/js/support/chromium.mjs.",
        },
      ],
    },
  },
);
