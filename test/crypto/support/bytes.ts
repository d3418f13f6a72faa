export function hex(digits: string): Uint8Array {
  return Uint8Array.from(digits.replace(/\s/g, '').match(/../g) ?? [], pair => Number.parseInt(pair, 16))
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}

export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** The same bytes with one bit changed. */
export function flipBit(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes)
  changed[bit >>> 3]! ^= 1 << (bit & 7)
  return changed
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]))
}

/** What a call came to, in a form that two backends can be compared by. */
export function outcome(call: () => Uint8Array | boolean | null): string | boolean | null {
  try {
    const answer = call()
    return answer instanceof Uint8Array ? toHex(answer) : answer
  } catch (error) {
    return `throws ${(error as Error).name}`
  }
}
