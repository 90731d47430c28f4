// The half of a client's script that its test talks to: see ../speaking.py.
import { createInterface } from "node:readline";

/** What the test wants of the client. */
export const options = JSON.parse(process.argv[2]);

/** An answer. */
export const heard = (audio, errors = []) => ({
  audio: Buffer.concat(audio).toString("base64"),
  errors,
});

/** Do what the test says, for as long as it says anything. */
export async function serve(verbs) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { verb, ...asked } = JSON.parse(line);
    process.stdout.write(JSON.stringify(await verbs[verb](asked)) + "\n");
  }
}
