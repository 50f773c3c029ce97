import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeCaches } from "./fakes.ts";

const offer = "/v1/offers/1";
let faked = fakeCaches();

beforeEach(() => {
  faked = fakeCaches();
  faked.served = { [offer]: "not used yet", [`${offer}/redemptions`]: "used" };
  vi.resetModules();
  vi.stubGlobal("fetch", faked.globals.fetch);
  vi.stubGlobal("caches", faked.globals.caches);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

const eventOf = (path: string): { event: FetchEvent; behind: Promise<unknown>[] } => {
  const behind: Promise<unknown>[] = [];
  const request = new Request(`https://here.example${path}`);
  const waitUntil = (work: Promise<unknown>): number => behind.push(work);
  return { event: { request, waitUntil } as unknown as FetchEvent, behind };
};

async function read(path: string): Promise<string> {
  const { answer } = await import("./answers.ts");
  const { event, behind } = eventOf(path);
  const response = await answer(event, path);
  await Promise.all(behind);
  return response.text();
}

test("what was seen before an offer was used is not shown after it", async () => {
  const { answer, answerChange } = await import("./answers.ts");
  expect(await read(offer)).toBe("not used yet");
  let comeLate: (response: Response) => void = () => undefined;
  const late = new Promise<Response>((resolve) => (comeLate = resolve));
  vi.stubGlobal("fetch", () => late);
  const early = eventOf(offer);
  const shown = answer(early.event, offer);
  // It is asked for once what was kept has been looked up.
  await vi.waitFor(() => {
    expect(early.behind).toHaveLength(1);
  });

  vi.stubGlobal("fetch", faked.globals.fetch);
  const using = eventOf(`${offer}/redemptions`);
  expect(await (await answerChange(using.event, [offer])).text()).toBe("used");
  comeLate(new Response("not used yet"));
  await shown;
  await Promise.all(early.behind);
  faked.served = null;
  await expect(read(offer)).rejects.toThrow("There is no signal.");
});

test("what could not be sent leaves what was seen", async () => {
  const { answerChange } = await import("./answers.ts");
  expect(await read(offer)).toBe("not used yet");
  faked.served = null;
  const using = eventOf(`${offer}/redemptions`);
  await expect(answerChange(using.event, [offer])).rejects.toThrow("There is no signal.");
  expect(await read(offer)).toBe("not used yet");
});
