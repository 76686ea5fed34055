/** A module with two handlers of one kind of intents. */
import * as Effect from "effect/Effect"
import { Engine } from "../../../src/index.ts"

export { orders } from "./handled.ts"
export const handlers = ["first", "second"].map(() => Engine.handler("Tell", () => Effect.void))
