/**
 * Watching actors: publishing them to a Stately inspector, and drawing their machines.
 *
 * Importing this folder loads a WebSocket client; import `Statechart.ts` alone to draw. The package's root does
 * neither.
 */
export * as Statechart from "./Statechart.ts"
export * as Stately from "./Stately.ts"
