/** What an error says. Whatever was thrown, this does not throw: not everything that can be thrown can be shown. */
export function textOf(error: unknown): string {
  try {
    return error instanceof Error ? String(error.message) : String(error)
  } catch {
    return 'something that cannot be shown'
  }
}
