/** Last parameter of everything that waits. Whichever ends first, wins. */
export interface WaitOptions {
  signal?: AbortSignal | undefined
  timeoutMs?: number | undefined
}
