// LiveKit's Sarvam plugin for JavaScript, as an agent drives it.
import { initializeLogger } from "@livekit/agents";
import { TTS } from "@livekit/agents-plugin-sarvam";
import { heard, options, serve } from "./speaking.mjs";

initializeLogger({ pretty: false, level: "silent" });

const { url, key, rate, voice = {} } = options;
const errors = [];

function make(codec) {
  const tts = new TTS({
    apiKey: key,
    baseURL: url,
    model: "bulbul:v3",
    targetLanguageCode: "hi-IN",
    speaker: "shubh",
    sampleRate: rate,
    outputAudioCodec: codec,
    ...voice,
  });
  tts.on("error", ({ error }) => errors.push(error.message));
  return tts;
}

const tts = make("linear16");
// A refusal over HTTP ends the stream without a word, and is a rejection that nobody handles.
process.on("unhandledRejection", (error) => errors.push(error.message));

const pcm = ({ data }) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Say it, and stop listening after so many pieces of sound. */
async function listen(tokens, { pieces = Infinity, codec } = {}) {
  const stream = (codec ? make(codec) : tts).stream();
  for (const token of tokens) stream.pushText(token);
  stream.endInput();
  const audio = [];
  for await (const event of stream) {
    if (!event.frame) continue; // END_OF_STREAM
    audio.push(pcm(event.frame));
    if (audio.length === pieces) break;
  }
  stream.close();
  return heard(audio, errors.splice(0));
}

await serve({
  say: ({ tokens, codec }) => listen(tokens, { codec }),
  interrupt: ({ tokens }) => listen(tokens, { pieces: 1 }),
  rest: async ({ tokens }) => {
    const audio = [];
    for await (const event of tts.synthesize(tokens.join(""))) audio.push(pcm(event.frame));
    await new Promise(setImmediate);
    return heard(audio, errors.splice(0));
  },
});
process.exit(0);
