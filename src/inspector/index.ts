/**
 * Shows actors: publishes them to a Stately inspector, and draws their machines. `Inspector` does that for a whole engine.
 *
 * This folder loads a WebSocket client. Import `Statechart.ts` alone to draw. The package's root imports neither.
 */
export * as Inspector from "./Inspector.ts"
export * as Statechart from "./Statechart.ts"
export * as Stately from "./Stately.ts"
