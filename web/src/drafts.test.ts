import { beforeEach, expect, test, vi } from "vitest";
import { keep, keepForm, recall, recallForm } from "./drafts.ts";
import { rememberWho } from "./offline/who.ts";

/** What browsers have, where each item is a property too. */
class Kept {
  getItem(name: string): string | null {
    return (this as unknown as Record<string, string>)[name] ?? null;
  }
  setItem(name: string, value: string): void {
    Object.assign(this, { [name]: value });
  }
  removeItem(name: string): void {
    Reflect.deleteProperty(this, name);
  }
}

function signIn(member: string | null): void {
  rememberWho({ device: null, member: member === null ? null : { id: member } });
}

beforeEach(() => {
  vi.stubGlobal("sessionStorage", new Kept());
  vi.stubGlobal("localStorage", new Kept());
});

test("a draft is whose it was, once they have signed in again", () => {
  signIn("sam");
  keep("note", "No ladder");
  expect(recall("note")).toBe("No ladder");
  signIn(null);
  expect(recall("note")).toBe("");
  signIn("sam");
  expect(recall("note")).toBe("No ladder");
});

test("nothing is left of a draft for the next to sign in", () => {
  signIn("sam");
  keep("note", "No ladder");
  signIn("kim");
  expect(recall("note")).toBe("");
  signIn("sam");
  expect(recall("note")).toBe("");
});

test("a form is left as it was changed", () => {
  signIn(null);
  const before = { from: "09:00" };
  keepForm("hours", { from: "10:00" }, before);
  expect(recallForm("hours")).toEqual({ from: "10:00" });
  keepForm("hours", { from: "09:00" }, before);
  expect(recallForm("hours")).toBeNull();
});
