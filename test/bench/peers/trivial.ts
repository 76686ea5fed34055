/** What Piscina and Tinypool load: one trivial task, a number in and a number out. */
import { step } from "../work.ts"

export default (value: number): number => step(value)
