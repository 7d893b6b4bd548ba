/**
 * `npm run test:data`: the tests on real data, in release builds because they train. The data is no part of the
 * repository: it lies beside it in ../shared/data, or where POCKETRANK_DATA says.
 *
 * Usage: npm run test:data [-- --only NAME,...]
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { Failure, main, root } from "./process.mjs";
import { setup } from "./setup.mjs";
import { cargoTest, nodeTest, runSteps } from "./steps.mjs";

await main(async () => {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  const data = resolve(root, process.env.POCKETRANK_DATA ?? "../shared/data");
  if (!existsSync(join(data, "online-retail"))) {
    throw new Failure(`${data} does not hold the data sets`, "put them there, or set POCKETRANK_DATA to their folder");
  }
  const env = { POCKETRANK_DATA: data };
  const tools = await setup({ tests: true });
  const steps = {
    rust: () => cargoTest(["-p", "pocketrank-origin", "--release", "--test", "data_*"], env),
    build: () => build(tools),
    js: () => nodeTest("tests/data", env),
  };
  const names = values.only?.split(",");
  const unknown = names?.find((name) => !Object.hasOwn(steps, name));
  if (unknown) throw new Failure(`there is no step \`${unknown}\``, `name one or more of: ${Object.keys(steps).join(", ")}`);
  await runSteps("scripts/test-data.mjs", steps, names);
});
