/**
 * Shows actors: publishes them to a Stately inspector, and draws their machines.
 *
 * This folder loads a WebSocket client. Import `Statechart.ts` alone to draw. The package's root imports neither.
 */
export * as Statechart from "./Statechart.ts"
export * as Stately from "./Stately.ts"
