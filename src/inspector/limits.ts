/**
 * The limits of the inspector's publisher (G14): what it may hold, how long it may take.
 *
 * Boundary: numbers only. Units stand last in a name.
 */
export const limits = {
  /** Messages that wait for a slow relay before the oldest are dropped; `queueCapacity` of `Stately.connect`. */
  queueCapacity: 1_024,
  /** Live actors that are registered again after a reconnect; beyond it, the oldest are forgotten. */
  registeredActors: 2_048,
  /** Characters of one message; a longer one goes out without its context, output or payload. */
  messageCharacters: 65_536,
  /** Levels, and values in total, of something that is not JSON before the rest of it is left out. */
  plainDepth: 10,
  plainValues: 10_000,
  /** Time on the main thread that the publisher takes in one go, and messages that it encodes in it at most. */
  sliceMs: 1,
  sliceMessages: 64,
  /** What `Stately.connect` waits for the first attempt, so that a short job is seen from its start. */
  firstAttemptMs: 1_000,
  /** What the relay has for the WebSocket handshake. */
  handshakeMs: 5_000,
  /** The first delay before another attempt; it doubles up to the second. */
  reconnectMinMs: 100,
  reconnectMaxMs: 5_000,
  /** What closing the scope waits for queued messages to be sent and for the relay to say goodbye. */
  flushMs: 500
} as const
