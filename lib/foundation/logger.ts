import type { ILogger } from '../contracts/logger.ts'

const nothing = (): void => {}

/** Says nothing: the default. */
export const silentLogger: ILogger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing })

/** Where lines go when a logger is on; `console` fits. */
export type LineSink = Pick<ILogger, 'debug' | 'info' | 'warn' | 'error'>

/** Writes lines such as `[PeerManager] Added peer: ...`; rooms name themselves with `named`. */
export function consoleLogger(sink: LineSink = console): ILogger {
  return sink
}

/** The same logger with a room's name in brackets before each line, so that logs can be searched by room. */
export function named(logger: ILogger, room: string): ILogger {
  if (logger === silentLogger) return logger
  const prefix = `[${room}] `
  const line = (level: keyof ILogger) => (text: string, fields?: object) =>
    fields === undefined ? logger[level](prefix + text) : logger[level](prefix + text, fields)
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

/** The same logger for texts that strangers had a hand in: none of them can begin a line of its own, or move a cursor. */
export function printable(logger: ILogger): ILogger {
  const line = (level: keyof ILogger) => (text: string, fields?: object) =>
    fields === undefined ? logger[level](escaped(text)) : logger[level](escaped(text), fields)
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

/** Control characters, line separators, and what turns the direction of writing. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g

function escaped(text: string): string {
  return text.replace(UNPRINTABLE, letter => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
