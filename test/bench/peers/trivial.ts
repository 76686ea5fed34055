/** The task that Piscina and Tinypool load: a trivial one, a number in and a number out. */
import { step } from "../work.ts"

export default (value: number): number => step(value)
