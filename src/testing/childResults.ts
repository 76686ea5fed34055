/**
 * Results of child jobs as runs compare them. Boundary: pure.
 */
import { parseJson } from "../values/parseJson.ts"

/**
 * The text of a child job's result without the key of its intent. The key has the cycle and the task that asked for the child.
 * Both go by the order of arrival and by the version of the program.
 */
export const withoutKey = (text: string): string => {
  const { key: _, ...result } = parseJson(text) as Readonly<Record<string, unknown>>
  return JSON.stringify(result)
}
