/** What browsers with Background Sync have besides; the library's types do not know it. */

export interface SyncingRegistration {
  readonly sync?: { register(tag: string): Promise<void> };
}

export interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}
