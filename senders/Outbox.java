// A charge sender in plain Java: whatever the EMR answers, and whenever it is killed, no charge goes twice.
//
// The outbox is a folder. ORDER.message holds what is to be sent; ORDER.sent is created, on disk, before
// the first byte leaves, and can be created once. It is empty until an answer to this very message is read:
// that is an unknown outcome, which is for a person to look into and never a reason to send again.
//
//     java Outbox send HOST PORT STATE INBOX ACK_TIMEOUT_MS
//     java Outbox account STATE

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.*;
import java.nio.channels.FileChannel;
import java.nio.file.*;
import java.util.*;

public class Outbox {
    public static void main(String[] given) throws Exception {
        if (given[0].equals("account")) {
            account(Path.of(given[1]));
        } else {
            var emr = new InetSocketAddress(given[1], Integer.parseInt(given[2]));
            send(emr, Path.of(given[3]), Path.of(given[4]), Integer.parseInt(given[5]));
        }
    }

    static void send(InetSocketAddress emr, Path state, Path inbox, int timeout) throws Exception {
        System.out.println("ready");
        while (true) {
            for (Path exam : list(inbox, "*.txt")) take(exam, state);
            for (Path message : list(state, "*.message")) {
                if (!Files.exists(sent(message)) && !deliver(message, emr, timeout)) break;
            }
            Thread.sleep(100); // whoever cannot connect does not storm
        }
    }

    /** Puts a charge into the outbox, once for each order. */
    static void take(Path exam, Path state) throws IOException {
        try {
            String[] parts = Files.readString(exam).split("\n"); // the order, and the message
            Path message = state.resolve(URLEncoder.encode(parts[0], UTF_8) + ".message");
            if (!Files.exists(message)) write(message, parts[1].getBytes(ISO_8859_1));
            Files.delete(exam);
        } catch (NoSuchFileException faster) {
            // A second instance has taken it.
        }
    }

    /** Sends a charge. False if there was no connection: then no byte has left, and it may be tried again. */
    static boolean deliver(Path message, InetSocketAddress emr, int timeout) throws IOException {
        byte[] text = Files.readAllBytes(message);
        var frame = new ByteArrayOutputStream();
        frame.write(0x0b);
        frame.write(text);
        frame.write(new byte[] {0x1c, '\r'});
        try (Socket connection = new Socket()) {
            try {
                connection.connect(emr, timeout);
            } catch (IOException refused) {
                return false;
            }
            mark(sent(message));
            connection.getOutputStream().write(frame.toByteArray());
            String outcome = answer(connection, new String(text, ISO_8859_1), timeout);
            if (!outcome.isEmpty()) write(sent(message), outcome.getBytes(UTF_8));
        } catch (FileAlreadyExistsException faster) {
            // A second instance has sent it.
        } catch (IOException lost) {
            // Some of it may have arrived: it stays unknown.
        }
        return true;
    }

    /** What the EMR says of this very message; nothing where it says nothing that can be relied upon. */
    static String answer(Socket connection, String message, int timeout) throws IOException {
        String[] header = message.split("\r")[0].split("\\|", -1);
        String delivered = header.length > 15 && header[15].equals("NE") ? "CA" : "AA";
        long until = System.nanoTime() + timeout * 1_000_000L;
        var heard = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (heard.length() < 1_000_000) {
            long left = (until - System.nanoTime()) / 1_000_000;
            if (left <= 0) return "";
            connection.setSoTimeout((int) left);
            int read = connection.getInputStream().read(buffer);
            if (read < 0) return "";
            heard.append(new String(buffer, 0, read, ISO_8859_1));
            for (int end; (end = heard.indexOf("\u001c\r")) >= 0; heard.delete(0, end + 2)) {
                String frame = heard.substring(0, end);
                String[] segments = frame.substring(frame.lastIndexOf('\u000b') + 1).split("\r");
                List<String> codes = new ArrayList<>();
                for (String segment : segments) {
                    String[] fields = segment.split("\\|", -1);
                    boolean isAboutIt = fields.length > 2 && fields[2].equals(header[9]);
                    if (fields[0].equals("MSA") && isAboutIt) codes.add(fields[1]);
                }
                if (!segments[0].startsWith("MSH|^~\\&|") || codes.size() != 1) continue;
                if (codes.get(0).equals(delivered)) return "delivered";
                if (Set.of("AE", "AR", "CE", "CR").contains(codes.get(0))) return "rejected";
            }
        }
        return "";
    }

    static void account(Path state) throws IOException {
        for (Path message : list(state, "*.message")) {
            String name = message.getFileName().toString().replace(".message", "");
            String outcome = "not-sent";
            if (Files.exists(sent(message))) outcome = Files.readString(sent(message));
            if (outcome.isEmpty()) outcome = "unknown";
            String order = URLDecoder.decode(name, UTF_8).replace("\\", "\\\\").replace("\"", "\\\"");
            System.out.printf("{\"order\":\"%s\",\"outcome\":\"%s\"}%n", order, outcome);
        }
    }

    static Path sent(Path message) {
        return Path.of(message.toString().replace(".message", ".sent"));
    }

    /** Creates the mark that a byte may have left, on disk; fails where it is there already. */
    static void mark(Path path) throws IOException {
        try (var file = FileChannel.open(path, CREATE_NEW, WRITE)) {
            file.force(true);
        }
        sync(path.getParent());
    }

    /** Writes a file that is there as a whole or not at all. */
    static void write(Path path, byte[] content) throws IOException {
        Path part = Files.createTempFile(path.getParent(), "part", null);
        Files.write(part, content);
        sync(part);
        Files.move(part, path, ATOMIC_MOVE);
        sync(path.getParent());
    }

    static void sync(Path path) throws IOException {
        try (var file = FileChannel.open(path, READ)) {
            file.force(true);
        }
    }

    /** The oldest first. */
    static List<Path> list(Path folder, String pattern) throws IOException {
        List<Path> found = new ArrayList<>();
        try (var files = Files.newDirectoryStream(folder, pattern)) {
            files.forEach(found::add);
        }
        found.sort(Comparator.comparing((Path path) -> path.toFile().lastModified()).thenComparing(path -> path));
        return found;
    }
}
