/** Where the phone is, asked once; people are told why before their browser asks them. */

export interface Position {
  readonly lon: number;
  readonly lat: number;
  /** Metres. */
  readonly accuracy_m: number;
}

export type Hindrance = "denied" | "unavailable" | "tooSlow" | "unsupported";

/** The phone does not say where it is. */
export class NoPosition extends Error {
  override readonly name = "NoPosition";

  constructor(readonly hindrance: Hindrance) {
    super(hindrance);
  }
}

const timeoutMs = 10_000;
/** A position as old as this is still where somebody stands. */
const freshMs = 30_000;

/** The browser's own limit begins once it may tell; a question that nobody answers has none. */
const unansweredMs = 20_000;

/**
 * Return where the phone is, as well as it can tell within ten seconds, or twenty with the question
 * whether it may; throws `NoPosition`.
 */
export function findPosition(geolocation = navigator.geolocation): Promise<Position> {
  // The library's types do not know that a page without TLS has none.
  if (!(geolocation as Geolocation | undefined)) {
    return Promise.reject(new NoPosition("unsupported"));
  }
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => {
      reject(new NoPosition("tooSlow"));
    }, unansweredMs);
    geolocation.getCurrentPosition(
      ({ coords: { longitude, latitude, accuracy } }) => {
        clearTimeout(giveUp);
        resolve({ lon: longitude, lat: latitude, accuracy_m: accuracy });
      },
      ({ code }) => {
        clearTimeout(giveUp);
        reject(new NoPosition(hindrances[code] ?? "unavailable"));
      },
      { enableHighAccuracy: true, timeout: timeoutMs, maximumAge: freshMs },
    );
  });
}

/** By the codes of the Geolocation API. */
const hindrances: Readonly<Record<number, Hindrance>> = {
  1: "denied",
  2: "unavailable",
  3: "tooSlow",
};
