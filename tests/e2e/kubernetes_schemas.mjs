// Reads JSON objects for Kubernetes from standard input, one a line, and prints what is wrong with each: what its type does
// not allow, and every field that its type does not know.
import { createInterface } from "node:readline";

const packages = {
  "monitoring.coreos.com": "@kubernetes-models/prometheus-operator/monitoring.coreos.com",
};
const ofCore = new Set(["apps", "policy", "networking.k8s.io"]);

async function typeOf(object) {
  const [group, version] = object.apiVersion.includes("/") ? object.apiVersion.split("/") : ["", object.apiVersion];
  const folder = packages[group] ?? (group === "" || ofCore.has(group) ? ["kubernetes-models", group].filter(Boolean).join("/") : null);
  if (folder === null) throw new Error(`no schema for ${object.apiVersion}`);
  return (await import(`${folder}/${version}`))[object.kind];
}

// A validator asks for every field that its type has: what nobody asked for is unknown.
function watched(value, path, asked) {
  if (value === null || typeof value !== "object") return value;
  return new Proxy(value, {
    get(target, key) {
      if (typeof key !== "string" || !Object.hasOwn(target, key)) return target[key];
      asked.add(`${path}/${key}`);
      return watched(target[key], `${path}/${key}`, asked);
    },
  });
}

function* paths(value, path = "") {
  if (value === null || typeof value !== "object") return;
  for (const [key, below] of Object.entries(value)) {
    yield `${path}/${key}`;
    yield* paths(below, `${path}/${key}`);
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const object = JSON.parse(line);
  const name = `${object.kind} ${object.metadata.name}`;
  const asked = new Set();
  try {
    const Type = await typeOf(object);
    Type.prototype.validate.call(watched(object, "", asked));
    for (const path of paths(object)) if (!asked.has(path)) console.log(`${name}: unknown field ${path}`);
  } catch (wrong) {
    console.log(`${name}: ${wrong.message}`);
  }
}
