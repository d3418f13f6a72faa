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
