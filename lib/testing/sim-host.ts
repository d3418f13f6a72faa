import { Pace } from './sim-event.ts'

/** One end of a channel, as its machine knows it. */
export interface SimSocket {
  readonly host: SimHost
  /** The socket at the other end, whether or not it is still there. */
  readonly remote: SimSocket
  /** It breaks at this end, now. */
  break(why: string): void
  /** It is gone and nobody is told: the program that held it is dead. */
  drop(): void
  /** Nothing passes any more, and neither end is told. */
  hang(): void
  /** The program does not read, whatever it says. */
  stopReading(): Disposable
}

/** A port that is listened on, likewise. */
export interface SimDoor {
  /** It breaks: whoever serves it is told, and channels that are open live on. */
  break(): void
  /** Nobody is admitted any more, and nobody told. */
  stop(): void
}

/** Where free ports begin, and where the ports of diallers do. */
const FIRST_PORT = 4_000
const FIRST_DIALLER_PORT = 40_000

/** A machine on the simulated network: an address, sockets, and whether it is switched on. */
export class SimHost {
  readonly name: string
  readonly index: number
  /** Each machine has a /24 of its own, as strangers on the Internet mostly do. */
  address: string
  /** False while the power is off: nobody even refuses. */
  up = true
  /** True while it may open no more sockets. */
  outOfSockets = false
  /** When what arrives is handled. */
  readonly pace = new Pace()
  readonly listeners = new Map<number, SimDoor>()
  /** Ends of channels that are open here. */
  readonly channels = new Set<SimSocket>()
  #nextPort = FIRST_PORT
  #nextDiallerPort = FIRST_DIALLER_PORT

  constructor(name: string, index: number, address: string) {
    this.name = name
    this.index = index
    this.address = address
  }

  freePort(): number {
    while (this.listeners.has(this.#nextPort)) this.#nextPort++
    return this.#nextPort
  }

  diallerAddress(): string {
    return `sim://${this.address}:${this.#nextDiallerPort++}`
  }
}

/** The /24 with this number, below 10.0.0.0/8 and what is above it. */
export function addressOf(index: number): string {
  return `${10 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}.1`
}

/** Host and port of `sim://10.0.0.1:4000`; either may be missing. Undefined for anything else. */
export function parseAddress(text: string): { host: string; port: number } | undefined {
  const match = /^sim:(?:\/\/)?(\d{1,3}(?:\.\d{1,3}){3})?(?::(\d{1,5}))?\/?$/.exec(text)
  return match === null ? undefined : { host: match[1] ?? '', port: Number(match[2] ?? 0) }
}
