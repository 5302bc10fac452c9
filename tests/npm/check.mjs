// The official npm SDK with nothing changed but its base URL.  Prints one JSON object; the test reads it.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "How do I find my card?" }];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];
const result = {};

const unary = await client.chat.completions.create({ model: "sim", messages });
result.unary = unary.choices[0].message.content;
result.usage = unary.usage.total_tokens;

let streamed = "";
for await (const chunk of await client.chat.completions.create({ model: "sim", messages, stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
}
result.streamed = streamed;

const asked = await client.chat.completions.create({
  model: "sim",
  messages: [{ role: "user", content: "call tool get_weather" }],
  tools,
});
result.tool = asked.choices[0].message.tool_calls[0].function.name;
result.toolArguments = JSON.parse(asked.choices[0].message.tool_calls[0].function.arguments);

const response = await client.responses.create({ model: "sim", input: "How do I find my card?" });
result.response = response.output_text;

try {
  await client.chat.completions.create({ model: "no-such-model", messages });
} catch (error) {
  result.error = { name: error.constructor.name, status: error.status, code: error.code };
}

// Leaves in the middle of a slow stream: the server must notice (the test asks its ledger).
const slow = await client.chat.completions.create({ model: "sim:gap=50ms,tokens=200", messages, stream: true });
for await (const chunk of slow) {
  if (chunk.choices[0]?.delta?.content) break;
}
slow.controller.abort();
result.left = true;

console.log(JSON.stringify(result));
