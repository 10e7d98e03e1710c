/** Less would fit another secret by chance. */
const LEAST_SHOWN = 6;

/** Whether this is what is shown of a secret: "HQSx...Ug6Y" is its beginning and its end. */
export function fitsMask(secret: string, mask: string): boolean {
  const [start = "", end = "", ...rest] = mask.split(/(?:\.{2,}|…|\*+)/);
  const shown = start.length + end.length;
  const isMask = rest.length === 0 && shown >= LEAST_SHOWN && secret.length > shown;
  return isMask && secret.startsWith(start) && secret.endsWith(end);
}
