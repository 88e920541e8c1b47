// SPDX-License-Identifier: Apache-2.0

import java.io.File;
import java.util.Arrays;

/** Starts Hudson past its own launcher, which takes Java 17 for an old one. */
public class Launch {
    public static void main(String[] words) throws Exception {
        String[] options = Arrays.copyOfRange(words, 1, words.length);
        org.eclipse.hudson.jetty.JettyLauncher.start(options, new File(words[0]).toURI().toURL());
    }
}
