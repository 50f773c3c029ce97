import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { forgetMember, recallWho, rememberWho } from "./who.ts";

const [device, sam, kim] = [{ id: "phone" }, { id: "sam" }, { id: "kim" }];

beforeEach(() => {
  const kept = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
  });
});
afterEach(() => {
  forgetMember();
  rememberWho({ device: null, member: null });
  vi.unstubAllGlobals();
});

test("whoever was signed in last is known until they sign out", () => {
  rememberWho({ device, member: sam });
  expect(recallWho()).toEqual({ device: "phone", member: "sam", signedInLast: "sam" });
  rememberWho({ device, member: null });
  rememberWho({ device: null, member: null });
  expect(recallWho()).toEqual({ device: null, member: null, signedInLast: "sam" });
  rememberWho({ device: null, member: kim });
  expect(recallWho().signedInLast).toBe("kim");
  forgetMember();
  rememberWho({ device: null, member: null });
  expect(recallWho().signedInLast).toBeNull();
});
