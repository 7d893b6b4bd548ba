/** docs/openapi.json, and whether calls and answers are as it says. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { root } from "../../scripts/process.mjs";

/** @typedef {{ description: string, headers?: Record<string, { $ref: string }>, content: Record<string, { schema: object }> }} Described */
/** @typedef {{ responses: Record<string, Described>, security?: object[] }} Operation */

/** @type {{ paths: Record<string, Record<string, Operation>>, components: { headers: Record<string, { required: boolean, schema: object }>, schemas: Record<string, object> } }} */
export const document = JSON.parse(readFileSync(join(root, "docs/openapi.json"), "utf8"));
const { components } = document;

const ajv = new Ajv2020({ allErrors: true, strict: true, strictRequired: false, strictTypes: false, allowUnionTypes: true });
addFormats.default(ajv);
ajv.addKeyword("components");

/** @type {Map<object, import("ajv").ValidateFunction>} */
const compiled = new Map();

/** @param {object} schema */
function validator(schema) {
  const known = compiled.get(schema) ?? ajv.compile({ ...schema, components });
  compiled.set(schema, known);
  return known;
}

/** What a body of `POST /v1/rerank` has that the document does not allow. @param {unknown} body */
export function wrongs(body) {
  const validate = validator(/** @type {object} */ (components.schemas.Rerank));
  return validate(body) ? [] : (validate.errors ?? []);
}

/** The operation that a request is for, with its place in the document. @param {string} method @param {string} path */
function operation(method, path) {
  const template = path.replace(/^\/v1\/candidates\/.*/, "/v1/candidates/{list}");
  // HEAD is as GET without the body; other methods get what any of the path's does.
  const operations = document.paths[template] ?? {};
  const [name = "", described] = Object.entries(operations).find(([name]) => name === (method === "HEAD" ? "get" : method.toLowerCase())) ?? Object.entries(operations)[0] ?? [];
  assert.ok(described, `${path} is documented`);
  return { place: `${name} ${template}`, responses: described.responses };
}

/** All answers that the document knows, as `method path status code`. */
export function documented() {
  return Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { responses }]) =>
      Object.entries(responses)
        .filter(([status]) => status !== "default")
        .flatMap(([status, { content }]) => {
          const [media] = Object.values(content);
          const parts = /** @type {any} */ (media?.schema ?? {}).allOf;
          const codes = parts ? parts[1].properties.code.enum : ["ok"];
          return codes.map((/** @type {string} */ code) => `${method} ${path} ${status} ${code}`);
        }),
    ),
  );
}

/**
 * Checks an answer against the document.
 * @param {string} method
 * @param {string} path
 * @param {Response} response its body is read
 * @returns {Promise<{ seen: string, status: number, code: string, body: any, headers: Headers }>} `seen` as `documented` has it
 */
export async function check(method, path, response) {
  const { place, responses } = operation(method, path);
  const { status, headers } = response;
  const described = responses[status];
  const text = await response.text();
  assert.ok(described, `${place}: ${status} is documented (${text})`);
  for (const name of Object.keys(described.headers ?? {})) {
    const header = /** @type {{ required: boolean, schema: object }} */ (components.headers[name]);
    const value = headers.get(name);
    assert.ok(value !== null || !header.required, `${place}: ${status} has ${name}`);
    if (value !== null) assert.ok(validator(header.schema)(value), `${place}: ${name}: ${value}`);
  }
  const type = headers.get("content-type")?.split(";")[0] ?? "";
  const media = described.content[type];
  assert.ok(media, `${place}: ${status} may be ${type}`);
  const body = type === "text/plain" || text === "" ? text : JSON.parse(text);
  if (text !== "") {
    const validate = validator(media.schema);
    assert.ok(validate(body), `${place}: ${status}: ${ajv.errorsText(validate.errors)}: ${text}`);
  }
  const code = type === "application/problem+json" ? body.code : "ok";
  return { seen: `${place} ${status} ${code}`, status, code, body, headers };
}
