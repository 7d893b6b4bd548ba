/** Every combination of signals, in the whole build and in the slim one, against the table that `tests/consent.rs` holds the native runtime to. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import * as whole from "../../dist/npm/node.js";
import * as slim from "../../dist/npm/slim-node.js";
import { root } from "../../scripts/process.mjs";

/** @type {{ because: string, gpc?: string[], override?: boolean[], choice?: string[], lasting?: boolean[], says?: string, mode: string, capsule?: string }[]} */
const table = JSON.parse(readFileSync(join(root, "tests/cases/consent.json"), "utf8"));
const SAYS = { allowed: 1, awaited: 2, objected: 4, unknown: 1 << 20 };
const LASTING = 8;
const GPC = { off: [false, undefined], on: [true], unreadable: [null] };
const either = [false, true];

/** Each way that the visitor may have chosen. @type {({ mode: string, capsule?: boolean } | null | undefined)[]} */
const choices = [undefined, null, ...["contextual", "session", "persistent"].flatMap((mode) => [{ mode }, { mode, capsule: false }, { mode, capsule: true }])];

function* combinations() {
  for (const [name, values] of Object.entries(GPC)) {
    for (const gpc of values) {
      for (const choice of choices) {
        for (const gpcOverride of either) {
          for (const lasting of either) {
            for (let said = 0; said < 16; said++) {
              const says = Object.entries(SAYS).filter((_, at) => (said >> at) & 1);
              const answers = says.reduce((bits, [, bit]) => bits | bit, lasting ? LASTING : 0);
              const fits = (/** @type {unknown[] | undefined} */ wanted, /** @type {unknown} */ value) => wanted?.includes(value) ?? true;
              const row = table.find(
                (row) =>
                  fits(row.gpc, name) &&
                  fits(row.override, gpcOverride) &&
                  fits(row.choice, choice?.mode ?? "none") &&
                  fits(row.lasting, lasting) &&
                  (row.says === undefined || says.some(([said]) => said === row.says)),
              );
              yield { signals: { gpc, choice, gpcOverride }, answers, row: row ?? assert.fail("the table has no row for it") };
            }
          }
        }
      }
    }
  }
}

for (const [name, entry] of Object.entries({ whole, slim })) {
  describe(`the ${name} build`, () => {
    before(() => entry.init());

    it("decides every combination of signals as the table says", () => {
      let count = 0;
      for (const { signals, answers, row } of combinations()) {
        const consent = new (/** @type {any} */ (entry.Consent))(signals, answers);
        const about = JSON.stringify({ signals, answers, row });
        assert.equal(consent.mode, row.mode, about);
        assert.equal(consent.grant() !== undefined, row.mode !== "contextual", about);
        if (name === "whole") {
          const hasCapsule = row.mode !== "contextual" && row.capsule === "as chosen" && signals.choice?.capsule === true;
          assert.equal(consent.capsuleGrant() !== undefined, hasCapsule, about);
        }
        count += 1;
      }
      assert.equal(count, 4 * 11 * 2 * 2 * 16);
    });
  });
}
