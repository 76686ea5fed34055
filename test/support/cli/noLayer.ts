/** A program whose agents need a service, and no `layer`. */
export { default } from "./one.ts"
