//! That the declarations of types name what there is, and nothing else.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";

import * as client from "../../turnout.js";

const ts = createRequire(import.meta.url)("typescript");

/** The members of each declared class, and the names of the functions. */
async function declared() {
  const text = await readFile(new URL("../../turnout.d.ts", import.meta.url), "utf8");
  const names = new Map();
  ts.createSourceFile("turnout.d.ts", text, ts.ScriptTarget.Latest, true).forEachChild((node) => {
    if (ts.isFunctionDeclaration(node)) names.set(node.name.text, null);
    if (!ts.isClassDeclaration(node)) return;
    const members = node.members.filter((member) => member.name).map((member) => member.name.text);
    names.set(node.name.text, [...new Set(members)].sort());
  });
  return names;
}

/** What an object of the class can do and shows. */
function present(name) {
  const members = Object.getOwnPropertyNames(client[name].prototype).filter((member) => member !== "constructor");
  if (name !== "TurnoutError") return members.sort();
  const own = Object.keys(new client.TurnoutError("code", "detail"));
  return [...members, ...own.filter((member) => member !== "name")].sort();
}

test("every export is declared, with all of its members", async () => {
  const names = await declared();
  assert.deepEqual([...names.keys()].sort(), Object.keys(client).sort());
  for (const [name, members] of names) {
    if (members) assert.deepEqual(members, present(name), name);
  }
});
