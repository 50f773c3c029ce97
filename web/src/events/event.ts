/** An event, and the times at which it takes place. */

import { api, call, repeatable, type Schemas } from "../api/client.ts";
import { newId } from "../ids.ts";

export type Event = Schemas["SingleEventOut"];
export type Time = Schemas["OccurrenceShown"];

export async function readEvent(eventId: string): Promise<Event> {
  const params = { path: { event_id: eventId } };
  return call(api.GET("/v1/events/{event_id}", { params }));
}

/** Return the next times of an event, from an instant on. */
export async function readTimes(
  eventId: string,
  since: string | null,
  limit: number,
): Promise<Time[]> {
  const query = { limit, ...(since === null ? {} : { since }) };
  const params = { path: { event_id: eventId }, query };
  return call(api.GET("/v1/events/{event_id}/occurrences", { params }));
}

/** Ask for a place, or wait for one, and return which; again, from another tab too, changes nothing. */
export async function signUp(eventId: string, { starts_at }: Time): Promise<Time["yours"]> {
  const params = { path: { event_id: eventId } };
  const body = { starts_at, id: newId() };
  return call(api.POST("/v1/events/{event_id}/sign-ups", { params, body, fetch: repeatable }));
}

/** Give a place up, or wait no more; what is gone already is as good as given up. */
export async function giveUp(eventId: string, signUpId: string): Promise<void> {
  const params = { path: { event_id: eventId, sign_up_id: signUpId } };
  const { error, response } = await api.DELETE("/v1/events/{event_id}/sign-ups/{sign_up_id}", {
    params,
  });
  if (response.status !== 404) {
    await call(Promise.resolve({ error, response }));
  }
}

/** Tell whether somebody may sign up for a time now. */
export function isOpen({ cancelled, sign_up_until, yours }: Time, now = new Date()): boolean {
  return !cancelled && yours === null && sign_up_until !== null && new Date(sign_up_until) > now;
}
