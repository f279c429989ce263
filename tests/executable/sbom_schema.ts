/**
 * CycloneDX's own JSON schema, version 1.6, out of its package: what is wrong with a bill of materials. Formats of texts
 * (addresses, times) are not checked.
 */
import library from "@cyclonedx/cyclonedx-library/package.json" with { type: "json" };
import { Ajv } from "ajv";
import { assert } from "../assert.ts";

const home = "http://cyclonedx.org/schema/";
const schemas = ["bom-1.6", "spdx", "jsf-0.82", "cryptography-defs"];

/** One line for each; none where it is valid. */
export function schemaProblems(bill: unknown): string[] {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const directory = new URL("res/schema/", import.meta.resolve(`${library.name}/package.json`));
  for (const name of schemas) {
    const file = `${name}.SNAPSHOT.schema.json`;
    const schema = JSON.parse(Deno.readTextFileSync(new URL(file, directory)));
    // They name each other by file.
    if (name === "bom-1.6") ajv.addSchema(schema);
    else ajv.addSchema(schema, home + file);
  }
  const validate = ajv.getSchema(`${home}bom-1.6.schema.json`);
  assert(validate !== undefined, "The schema is not there");
  validate(bill);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
