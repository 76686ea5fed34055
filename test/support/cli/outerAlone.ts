/** The program `outer` of nested.ts, without the program of its child. */
export { outer } from "./nested.ts"
