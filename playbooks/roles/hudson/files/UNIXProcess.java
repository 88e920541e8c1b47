// SPDX-License-Identifier: Apache-2.0

package java.lang;

/**
 * What Hudson 3.3.2 finds and ends processes by, which Java has had under other names since 9.
 * Without it an aborted build runs on.
 */
final class UNIXProcess {
    /**
     * The id of no process: Hudson reads this field of a build's shell, which is none of this
     * class, so it is static. It then ends all that has the build's cookie, the shell too.
     */
    private static final int pid = -1;

    private UNIXProcess() {}

    private static void destroyProcess(int id) {
        ProcessHandle.of(id).ifPresent(ProcessHandle::destroy);
    }
}
