package example;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import windbreak.v1.PolicyDecision.AuthorizeRequest;
import windbreak.v1.PolicyDecision.AuthorizeResponse;
import windbreak.v1.PolicyDecision.Endpoint;
import windbreak.v1.PolicyDecision.Outcome;
import windbreak.v1.PolicyDecision.Principal;
import windbreak.v1.PolicyDecision.Usage;

/**
 * Calls Mistral under Windbreak: ask, call, settle. Prints one JSON line for each of its scenarios.
 *
 * <p>Addresses come from WINDBREAK, WINDBREAK_STORE_AWAY (its Redis is down), WINDBREAK_AWAY (nobody listens) and
 * MISTRAL_URL.
 */
public final class Main {
  private static final String MODEL = "mistral-small-latest";
  private static final String TEXT = "Count to three in French.";
  private static final long CAP = 100;

  private final Windbreak windbreak;
  private final Mistral mistral;

  private Main(Windbreak windbreak, Mistral mistral) {
    this.windbreak = windbreak;
    this.mistral = mistral;
  }

  private Windbreak.Grant authorizeChat(String text, String model, long cap) throws Windbreak.Denied {
    return windbreak.authorize(
        AuthorizeRequest.newBuilder()
            .setModel(model)
            .setEndpoint(Endpoint.ENDPOINT_CHAT_COMPLETIONS)
            .setInputTokens(Windbreak.bound(text))
            .setMaxOutputTokens(cap));
  }

  private Map<String, Object> complete(String model, long cap) throws Exception {
    Windbreak.Grant grant = authorizeChat(TEXT, model, cap);
    JsonObject answer = settled(grant, "/v1/chat/completions", Mistral.chat(grant, TEXT, false));
    Long cost = windbreak.settle(grant, Mistral.usageOf(answer), Outcome.OUTCOME_SUCCEEDED);
    JsonObject choice = answer.getAsJsonArray("choices").get(0).getAsJsonObject();
    return line("text", choice.getAsJsonObject("message").get("content").getAsString(), "cost_nano_usd", cost);
  }

  private Map<String, Object> embed(String text) throws Exception {
    Windbreak.Grant grant =
        windbreak.authorize(
            AuthorizeRequest.newBuilder()
                .setModel("mistral-embed")
                .setEndpoint(Endpoint.ENDPOINT_EMBEDDINGS)
                .setInputTokens(Windbreak.bound(text)));
    Map<String, Object> body = Map.of("model", grant.model(), "input", List.of(text));
    JsonObject answer = settled(grant, "/v1/embeddings", body);
    Long cost = windbreak.settle(grant, Mistral.usageOf(answer), Outcome.OUTCOME_SUCCEEDED);
    return line("vectors", answer.getAsJsonArray("data").size(), "cost_nano_usd", cost);
  }

  /** Call Mistral; a call that fails is settled as one. */
  private JsonObject settled(Windbreak.Grant grant, String path, Map<String, Object> body) throws Exception {
    try {
      return mistral.call(path, body);
    } catch (IOException | InterruptedException error) {
      windbreak.settle(grant, null, Outcome.OUTCOME_FAILED);
      throw error;
    }
  }

  /** `pieces`: after how many of them it is broken off; 0: not. */
  private Map<String, Object> stream(String text, int pieces) throws Exception {
    Windbreak.Grant grant = authorizeChat(text, MODEL, CAP);
    StringBuilder said = new StringBuilder();
    int[] seen = {0};
    Usage usage = null;
    Long cost;
    try {
      usage =
          mistral.stream(
              Mistral.chat(grant, text, true),
              piece -> {
                said.append(piece);
                seen[0] += 1;
                return seen[0] != pieces;
              });
    } finally {
      if (usage != null) cost = windbreak.settle(grant, usage, Outcome.OUTCOME_SUCCEEDED);
      else if (seen[0] == 0) cost = windbreak.settle(grant, null, Outcome.OUTCOME_FAILED);
      else cost = windbreak.settle(grant, grant.usageWhenCut(said.toString()), Outcome.OUTCOME_CANCELLED);
    }
    return line("text", said.toString(), "cost_nano_usd", cost);
  }

  private interface Scenario {
    Map<String, Object> run() throws Exception;
  }

  private static void tell(String name, Scenario scenario) throws Exception {
    Map<String, Object> result;
    try {
      result = scenario.run();
    } catch (Windbreak.Denied denied) {
      AuthorizeResponse answer = denied.answer;
      result = line("reason", answer.getReason().name(), "http_status", answer.getHttpStatus());
      if (answer.hasRetryAfter()) result.put("retry_after_s", answer.getRetryAfter().getSeconds());
    } catch (StatusRuntimeException error) {
      result = line("no_decision", error.getStatus().getCode().name(), "", null);
    }
    result.put("scenario", name);
    System.out.println(new Gson().toJson(result));
  }

  private static Map<String, Object> line(String first, Object one, String second, Object other) {
    Map<String, Object> line = new LinkedHashMap<>();
    line.put(first, one);
    if (other != null) line.put(second, other);
    return line;
  }

  private static Windbreak as(String address, String id, String role, boolean failOpen) {
    Principal principal = Principal.newBuilder().setId(id).setRole(role).setWorkspace("dev").build();
    String deadline = System.getenv().getOrDefault("WINDBREAK_DEADLINE_MS", "100");
    return new Windbreak(System.getenv(address), principal, Long.parseLong(deadline), failOpen);
  }

  public static void main(String[] args) throws Exception {
    Mistral mistral = new Mistral(System.getenv("MISTRAL_URL"), "any");
    try (Windbreak forAda = as("WINDBREAK", "ada", "crew", false);
        Windbreak forBob = as("WINDBREAK", "bob", "hasty", false);
        Windbreak forCleo = as("WINDBREAK", "cleo", "poor", false);
        Windbreak blind = as("WINDBREAK_STORE_AWAY", "ada", "crew", false);
        Windbreak away = as("WINDBREAK_AWAY", "ada", "crew", false);
        Windbreak open = as("WINDBREAK_AWAY", "ada", "crew", true)) {
      Main ada = new Main(forAda, mistral);
      Main bob = new Main(forBob, mistral);
      tell("complete", () -> ada.complete(MODEL, CAP));
      tell("stream", () -> ada.stream(TEXT, 0));
      tell("embed", () -> ada.embed("un"));
      tell("cancel", () -> ada.stream("Count to a million in French.", 1));
      tell("model not allowed", () -> ada.complete("codestral-latest", CAP));
      tell("too large", () -> ada.complete(MODEL, 5000));
      tell("within the rate", () -> bob.complete(MODEL, CAP));
      tell("rate limited", () -> bob.complete(MODEL, CAP));
      tell("budget", () -> new Main(forCleo, mistral).complete(MODEL, CAP));
      tell("store away", () -> new Main(blind, mistral).complete(MODEL, CAP));
      tell("sidecar away", () -> new Main(away, mistral).complete(MODEL, CAP));
      tell("fail open", () -> new Main(open, mistral).complete(MODEL, CAP));
    }
  }
}
