// Sarvam's own SDK for JavaScript.
import { SarvamAIClient } from "sarvamai";
import { heard, options, serve } from "./speaking.mjs";

const { url, key, rate, voice = {} } = options;
const client = new SarvamAIClient({
  apiSubscriptionKey: key,
  environment: { base: url, creative: `${url}/dubbing`, production: url.replace("http", "ws") },
});
const settings = {
  language_code: "hi-IN",
  speaker: "shubh",
  speech_sample_rate: rate,
  output_audio_codec: "linear16",
  ...voice,
};

/** Ask for turns over one socket, all of them before the first is listened to. */
async function ask(turns, { whole = true, codec = "linear16" } = {}) {
  const socket = await client.textToSpeechStreaming.connect({
    model: "bulbul:v3",
    send_completion_event: "true",
    reconnectAttempts: 0,
  });
  try {
    const answers = await new Promise((resolve, reject) => {
      const answers = [];
      let audio = [];
      let errors = [];
      socket.on("message", (message) => {
        if (message.type === "audio") audio.push(Buffer.from(message.data.audio, "base64"));
        else if (message.type === "error") errors.push(message.data.message);
        else if (message.type !== "event") reject(new Error(`unknown: ${message.type}`));
        if (message.type === "event" || (message.type === "audio" && !whole)) {
          answers.push(heard(audio, errors));
          audio = [];
          errors = [];
          if (answers.length === turns.length) resolve(answers);
        }
      });
      socket.on("error", (error) => resolve(turns.map(() => heard(audio, [error.message]))));
      socket.on("close", ({ code }) => resolve(turns.map(() => heard(audio, [`closed ${code}`]))));
      socket
        .waitForOpen()
        .then(() => {
          socket.configureConnection({ ...settings, output_audio_codec: codec });
          for (const text of turns) {
            if (text) socket.convert(text);
            socket.flush();
          }
        })
        .catch(() => {}); // the error event tells it
    });
    return answers;
  } finally {
    socket.close();
  }
}

await serve({
  say: async ({ tokens, codec }) => (await ask([tokens.join("")], { codec }))[0],
  pipeline: async ({ turns }) => ({ answers: await ask(turns) }),
  interrupt: async ({ tokens }) => (await ask([tokens.join("")], { whole: false }))[0],
  rest: async ({ tokens }) => {
    try {
      const answer = await client.textToSpeech.convert({
        text: tokens.join(""),
        model: "bulbul:v3",
        ...settings,
      });
      return heard(answer.audios.map((audio) => Buffer.from(audio, "base64")));
    } catch (error) {
      return heard([], [`${error.statusCode} ${JSON.stringify(error.body)}`]);
    }
  },
});
