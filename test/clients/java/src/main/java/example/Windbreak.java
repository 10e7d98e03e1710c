package example;

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import windbreak.v1.PolicyDecision.AuthorizeRequest;
import windbreak.v1.PolicyDecision.AuthorizeResponse;
import windbreak.v1.PolicyDecision.Outcome;
import windbreak.v1.PolicyDecision.Principal;
import windbreak.v1.PolicyDecision.RecordUsageRequest;
import windbreak.v1.PolicyDecision.Usage;
import windbreak.v1.PolicyDecisionServiceGrpc;
import windbreak.v1.PolicyDecisionServiceGrpc.PolicyDecisionServiceBlockingStub;

/** A sidecar, and as whom it is asked. */
final class Windbreak implements AutoCloseable {
  /** Windbreak's no, with all that it says: Mistral was not called. */
  static final class Denied extends Exception {
    final AuthorizeResponse answer;

    Denied(AuthorizeResponse answer) {
      super(answer.getMessage());
      this.answer = answer;
    }
  }

  /** What may be sent to Mistral: this model, and no more output than this. Without a reservation, no decision was made. */
  record Grant(String model, long maxOutputTokens, long inputTokens, String reservation) {
    /** Bound what a broken-off stream used: usage comes in its last piece alone. 64 tokens may be under way. */
    Usage usageWhenCut(String said) {
      long seen = said.getBytes(StandardCharsets.UTF_8).length + 64L;
      return Usage.newBuilder()
          .setInputTokens(inputTokens)
          .setOutputTokens(Math.min(maxOutputTokens, seen))
          .build();
    }
  }

  private final ManagedChannel channel;
  private final PolicyDecisionServiceBlockingStub stub;
  private final Principal principal;
  private final long deadlineMs;
  private final boolean failOpen;

  /** Connect to a sidecar such as 127.0.0.1:50051. What is not on this machine needs TLS. */
  Windbreak(String target, Principal principal, long deadlineMs, boolean failOpen) {
    this.channel = ManagedChannelBuilder.forTarget(target).usePlaintext().build();
    // Connects at once, so that the first call's deadline is not spent on it.
    channel.getState(true);
    this.stub = PolicyDecisionServiceGrpc.newBlockingStub(channel);
    this.principal = principal;
    this.deadlineMs = deadlineMs;
    this.failOpen = failOpen;
  }

  /**
   * Ask about a call.
   *
   * @throws StatusRuntimeException where no decision was made: do not call Mistral.
   */
  Grant authorize(AuthorizeRequest.Builder question) throws Denied {
    AuthorizeRequest asked = question.setPrincipal(principal).build();
    AuthorizeResponse answer;
    try {
      answer = stub.withDeadlineAfter(deadlineMs, TimeUnit.MILLISECONDS).authorize(asked);
    } catch (StatusRuntimeException error) {
      if (!isAway(error)) throw error;
      // A sidecar that is back is found by the next call, not after gRPC's two minutes.
      channel.resetConnectBackoff();
      if (!failOpen) throw error;
      return new Grant(asked.getModel(), asked.getMaxOutputTokens(), asked.getInputTokens(), "");
    }
    if (!answer.getAllowed()) throw new Denied(answer);
    return new Grant(
        answer.getModel(), answer.getMaxOutputTokens(), asked.getInputTokens(), answer.getReservationId());
  }

  private static boolean isAway(StatusRuntimeException error) {
    Status.Code code = error.getStatus().getCode();
    return code == Status.Code.UNAVAILABLE || code == Status.Code.DEADLINE_EXCEEDED;
  }

  /**
   * Say what a call used; `usage` may be null: then the estimate is charged, and nothing where the call failed.
   *
   * @return what it cost, in nano-USD; null where no decision stood behind it.
   */
  Long settle(Grant grant, Usage usage, Outcome outcome) {
    if (grant.reservation().isEmpty()) return null;
    RecordUsageRequest.Builder report =
        RecordUsageRequest.newBuilder().setReservationId(grant.reservation()).setOutcome(outcome);
    if (usage != null) report.setUsage(usage);
    return stub.withWaitForReady()
        .withDeadlineAfter(1, TimeUnit.SECONDS)
        .recordUsage(report.build())
        .getCostNanoUsd();
  }

  /** The most tokens that a question of one message can be: a token is at least a byte. */
  static long bound(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length + 8 + 64;
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
