package example;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import windbreak.v1.PolicyDecision.Usage;

/** Mistral's API, as far as this program calls it. */
final class Mistral {
  private static final Gson GSON = new Gson();

  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final String url;
  private final String key;

  Mistral(String url, String key) {
    this.url = url;
    this.key = key;
  }

  /** A request to chat of one message. */
  static Map<String, Object> chat(Windbreak.Grant grant, String text, boolean stream) {
    List<?> messages = List.of(Map.of("role", "user", "content", text));
    return Map.of(
        "model", grant.model(), "max_tokens", grant.maxOutputTokens(), "messages", messages, "stream", stream);
  }

  /** Wait for the whole answer. */
  JsonObject call(String path, Map<String, Object> body) throws IOException, InterruptedException {
    try (InputStream answer = send(path, body)) {
      return GSON.fromJson(new InputStreamReader(answer, StandardCharsets.UTF_8), JsonObject.class);
    }
  }

  /**
   * Give each piece to `take`, until it says no; that breaks the stream off, so that Mistral stops writing.
   *
   * @return the usage; null where the stream ended before it.
   */
  Usage stream(Map<String, Object> body, Predicate<String> take) throws IOException, InterruptedException {
    Usage usage = null;
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(send("/v1/chat/completions", body), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (!line.startsWith("data: ") || line.equals("data: [DONE]")) continue;
        JsonObject event = GSON.fromJson(line.substring("data: ".length()), JsonObject.class);
        usage = usageOf(event) == null ? usage : usageOf(event);
        for (JsonElement choice : event.getAsJsonArray("choices")) {
          JsonElement content = choice.getAsJsonObject().getAsJsonObject("delta").get("content");
          if (content != null && !take.test(content.getAsString())) return usage;
        }
      }
    }
    return usage;
  }

  private InputStream send(String path, Map<String, Object> body) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + path))
            .header("content-type", "application/json")
            .header("authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(GSON.toJson(body)))
            .build();
    HttpResponse<InputStream> response = http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    if (response.statusCode() == 200) return response.body();
    response.body().close();
    throw new IOException("Mistral answered " + response.statusCode());
  }

  /** What Mistral says that was used; null where it says nothing. */
  static Usage usageOf(JsonObject answer) {
    JsonElement usage = answer.get("usage");
    if (usage == null || usage.isJsonNull()) return null;
    return Usage.newBuilder()
        .setInputTokens(number(usage, "prompt_tokens"))
        .setCachedInputTokens(number(usage, "num_cached_tokens"))
        .setOutputTokens(number(usage, "completion_tokens"))
        .build();
  }

  private static long number(JsonElement usage, String name) {
    JsonElement value = usage.getAsJsonObject().get(name);
    return value == null || value.isJsonNull() ? 0 : value.getAsLong();
  }
}
