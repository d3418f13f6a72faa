/** What both ends of a WebSocket must name, exactly (docs/wire.md, section 2). */
export const SUBPROTOCOL = 'peerweft.1'
