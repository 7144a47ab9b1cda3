// A charge sender in C#: whatever the EMR answers, and whenever it is killed, no charge goes twice.
//
// The outbox is a folder. ORDER.message holds what is to be sent; ORDER.sent is created, on disk, before
// the first byte leaves, and can be created once. It is empty until an answer to this very message is read:
// that is an unknown outcome, which is for a person to look into and never a reason to send again.
//
//     outbox send HOST PORT STATE INBOX ACK_TIMEOUT_MS
//     outbox account STATE
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

if (args[0] == "account") Account(args[1]);
else await Send(args[1], int.Parse(args[2]), args[3], args[4], TimeSpan.FromMilliseconds(int.Parse(args[5])));

static async Task Send(string host, int port, string state, string inbox, TimeSpan timeout)
{
    Console.WriteLine("ready");
    while (true)
    {
        foreach (var exam in List(inbox, "*.txt")) Take(exam, state);
        foreach (var message in List(state, "*.message"))
            if (!File.Exists(Sent(message)) && !await Deliver(message, host, port, timeout)) break;
        await Task.Delay(100); // whoever cannot connect does not storm
    }
}

// Puts a charge into the outbox, once for each order.
static void Take(string exam, string state)
{
    try
    {
        var parts = File.ReadAllText(exam).Split('\n'); // the order, and the message
        var message = Path.Combine(state, Uri.EscapeDataString(parts[0]) + ".message");
        if (!File.Exists(message)) Write(message, Encoding.Latin1.GetBytes(parts[1]));
        File.Delete(exam);
    }
    catch (FileNotFoundException) { } // a second instance has taken it
}

// Sends a charge. False if there was no connection: then no byte has left, and it may be tried again.
static async Task<bool> Deliver(string message, string host, int port, TimeSpan timeout)
{
    var text = File.ReadAllBytes(message);
    using var connection = new TcpClient();
    using (var connecting = new CancellationTokenSource(timeout))
    {
        try { await connection.ConnectAsync(host, port, connecting.Token); }
        catch (Exception refused) when (refused is SocketException or OperationCanceledException) { return false; }
    }
    if (!Mark(Sent(message))) return true; // a second instance has sent it
    try
    {
        using var waiting = new CancellationTokenSource(timeout);
        var stream = connection.GetStream();
        await stream.WriteAsync((byte[])[0x0b, .. text, 0x1c, (byte)'\r'], waiting.Token);
        var outcome = await Answer(stream, Encoding.Latin1.GetString(text), waiting.Token);
        if (outcome != "") Write(Sent(message), Encoding.UTF8.GetBytes(outcome));
    }
    // Some of it may have arrived: it stays unknown.
    catch (Exception lost) when (lost is IOException or OperationCanceledException) { }
    return true;
}

// What the EMR says of this very message; nothing where it says nothing that can be relied upon.
static async Task<string> Answer(NetworkStream stream, string message, CancellationToken waiting)
{
    var header = message.Split('\r')[0].Split('|');
    var delivered = header.ElementAtOrDefault(15) == "NE" ? "CA" : "AA";
    var heard = "";
    var buffer = new byte[4096];
    for (int read; heard.Length < 1_000_000 && (read = await stream.ReadAsync(buffer, waiting)) > 0;)
    {
        var frames = (heard + Encoding.Latin1.GetString(buffer, 0, read)).Split("\x1c\r");
        heard = frames[^1];
        foreach (var frame in frames[..^1])
        {
            var segments = frame.Split('\x0b')[^1].Split('\r');
            var codes = segments.Select(segment => segment.Split('|'))
                .Where(fields => fields.Length > 2 && fields[0] == "MSA" && fields[2] == header[9])
                .Select(fields => fields[1]).ToList();
            if (!segments[0].StartsWith(@"MSH|^~\&|", StringComparison.Ordinal) || codes.Count != 1) continue;
            if (codes[0] == delivered) return "delivered";
            if (codes[0] is "AE" or "AR" or "CE" or "CR") return "rejected";
        }
    }
    return "";
}

static void Account(string state)
{
    foreach (var message in List(state, "*.message"))
    {
        var order = Uri.UnescapeDataString(Path.GetFileNameWithoutExtension(message));
        var outcome = "not-sent";
        if (File.Exists(Sent(message))) outcome = File.ReadAllText(Sent(message));
        Console.WriteLine(JsonSerializer.Serialize(new { order, outcome = outcome == "" ? "unknown" : outcome }));
    }
}

static string Sent(string message) => Path.ChangeExtension(message, ".sent");

// Creates the mark that a byte may have left, on disk; false where it is there already. .NET cannot sync a folder:
// where power may fail, keep the marks in a database.
static bool Mark(string path)
{
    try
    {
        using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        file.Flush(flushToDisk: true);
        return true;
    }
    catch (IOException) when (File.Exists(path)) { return false; }
}

// Writes a file that is there as a whole or not at all.
static void Write(string path, byte[] content)
{
    var part = $"{path}.{Environment.ProcessId}";
    using (var file = new FileStream(part, FileMode.Create, FileAccess.Write))
    {
        file.Write(content);
        file.Flush(flushToDisk: true);
    }
    File.Move(part, path, overwrite: true);
}

// The oldest first.
static List<string> List(string folder, string pattern) =>
    Directory.GetFiles(folder, pattern).OrderBy(File.GetLastWriteTimeUtc).ThenBy(path => path).ToList();
