import { decoded } from "./hashes.ts";

/** What a letter's link asks for, by what stands behind its `#`. */
export interface Letter {
  readonly asks: "confirm" | "stop" | "nothing";
  readonly token: string;
}

const stops = "stop=";

/** Read what stands behind the `#` of a letter's link. */
export function letterOf(hash: string): Letter {
  const told = hash.slice(1);
  if (told.startsWith(stops)) {
    return { asks: "stop", token: decoded(told.slice(stops.length)) };
  }
  return { asks: told === "" ? "nothing" : "confirm", token: told };
}
