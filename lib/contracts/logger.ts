/** Where a node says what it does. Silent by default: see `silentLogger` and `prefixLogger`. */
export interface ILogger {
  debug(text: string, fields?: object): void
  info(text: string, fields?: object): void
  warn(text: string, fields?: object): void
  error(text: string, fields?: object): void
}
