#include "verify/block_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <thread>

#include <gtest/gtest.h>

namespace bulla::verify {
namespace {

// What is read of a text that comes through a pipe, in pieces of this size.
struct ReadText {
  std::string text;
  std::vector<std::string> blocks;
  std::optional<Sha256Digest> digest;
};
ReadText ReadThroughPipe(const std::string& text, size_t piece, size_t block_size) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  std::thread writer([&] {
    for (size_t at = 0; at < text.size(); at += piece) {
      const size_t size = std::min(piece, text.size() - at);
      EXPECT_EQ(write(ends[1], text.data() + at, size), static_cast<ssize_t>(size));
    }
    close(ends[1]);
  });
  ReadText read;
  {
    BlockReader reader(ends[0], block_size);
    for (std::string_view block; reader.Next(&block);) {
      read.text += block;
      read.blocks.emplace_back(block);
    }
    EXPECT_EQ(reader.error(), std::nullopt);
    EXPECT_EQ(reader.bytes_read(), text.size());
    read.digest = reader.digest();
  }
  writer.join();
  close(ends[0]);
  return read;
}

Sha256Digest DigestOf(std::string_view text) {
  Sha256 hasher;
  Sha256Digest digest;
  hasher.Start();
  hasher.Update(AsBytes(text));
  EXPECT_TRUE(hasher.Finish(&digest));
  return digest;
}

TEST(BlockReaderTest, EveryCutOfTheSameLinesGivesTheSame) {
  const std::string head = "one\n\ntwo and more\n" + std::string(50, 'x') + "\n";
  for (const std::string& last :
       {std::string("end\n"), std::string("no line end"), std::string("\n")}) {
    for (const size_t piece : {1, 2, 3, 7, 1000}) {
      for (const size_t block_size : {1, 5, 64, 4096}) {
        const ReadText read = ReadThroughPipe(head + last, piece, block_size);
        EXPECT_EQ(read.text, head + last);
        EXPECT_EQ(read.digest, DigestOf(head));
        for (size_t i = 0; i + 1 < read.blocks.size(); ++i) EXPECT_EQ(read.blocks[i].back(), '\n');
      }
    }
  }
}

TEST(BlockReaderTest, NothingAndOneLineHaveNoLinesBefore) {
  EXPECT_EQ(ReadThroughPipe("", 1, 10).digest, DigestOf(""));
  EXPECT_EQ(ReadThroughPipe("", 1, 10).text, "");
  EXPECT_EQ(ReadThroughPipe("end\n", 1, 10).digest, DigestOf(""));
}

TEST(BlockReaderTest, WhoStopsEarlyDoesNotWaitForTheRest) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(write(ends[1], "a line\n", 7), 7);
  {
    BlockReader reader(ends[0]);
    std::string_view block;
    EXPECT_TRUE(reader.Next(&block));
    EXPECT_EQ(block, "a line\n");
  }  // the pipe is still open, and nothing more comes
  close(ends[0]);
  close(ends[1]);
}

TEST(BlockReaderTest, AFailureIsTold) {
  const int folder = open("/", O_RDONLY);
  {
    BlockReader reader(folder);
    std::string_view block;
    EXPECT_FALSE(reader.Next(&block));
    EXPECT_EQ(reader.error(), "Is a directory");
  }
  close(folder);
}

}  // namespace
}  // namespace bulla::verify
