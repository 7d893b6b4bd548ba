/** Each source file of the worker has a test against workerd that is about it, and says so in its first line. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { root } from "../../scripts/process.mjs";

it("every source file of the worker is named by a test of the worker", () => {
  const tests = readdirSync(join(root, "tests/js")).filter((name) => /^worker-.*\.test\.mjs$/.test(name));
  const heads = tests.map((name) => readFileSync(join(root, "tests/js", name), "utf8").split("*/", 1)[0]).join("\n");
  const sources = readdirSync(join(root, "worker/src"));
  assert.ok(sources.length > 20);
  assert.deepEqual(sources.filter((name) => !new RegExp(`\\b${name.replace(".", "\\.")}\\b`).test(heads)), []);
});
