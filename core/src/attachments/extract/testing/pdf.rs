//! PDF files, object by object.

/// The objects of a PDF under construction; the first one added has number 1.
#[derive(Default, Clone)]
pub(in super::super) struct Pdf {
    objects: Vec<Vec<u8>>,
    trailer: String,
}

impl Pdf {
    /// Adds an object and returns its number.
    pub(in super::super) fn object(&mut self, body: &str) -> usize {
        self.objects.push(body.as_bytes().to_vec());
        self.objects.len()
    }

    /// Adds a stream and returns its number.
    pub(in super::super) fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let mut body = format!("<< /Length {} {entries} >>\nstream\n", data.len()).into_bytes();
        body.extend_from_slice(data);
        body.extend_from_slice(b"\nendstream");
        self.objects.push(body);
        self.objects.len()
    }

    /// Adds entries to the trailer.
    #[cfg(feature = "pdf")]
    pub(in super::super) fn trailer(&mut self, entries: &str) {
        self.trailer.push_str(entries);
    }

    /// Writes the file; `root` is the number of the catalogue.
    pub(in super::super) fn build(&self, root: usize) -> Vec<u8> {
        let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut offsets = Vec::new();
        for (i, body) in self.objects.iter().enumerate() {
            offsets.push(file.len());
            file.extend_from_slice(format!("{} 0 obj\n", i + 1).as_bytes());
            file.extend_from_slice(body);
            file.extend_from_slice(b"\nendobj\n");
        }
        let xref = file.len();
        let n = offsets.len() + 1;
        let mut table = format!("xref\n0 {n}\n0000000000 65535 f \n");
        for offset in offsets {
            table.push_str(&format!("{offset:010} 00000 n \n"));
        }
        table.push_str(&format!(
            "trailer\n<< /Size {n} /Root {root} 0 R {} >>\nstartxref\n{xref}\n%%EOF\n",
            self.trailer
        ));
        file.extend_from_slice(table.as_bytes());
        file
    }
}

/// A file with one page for each content stream, in Helvetica as `/F1`.
pub(in super::super) fn pages(contents: &[&str]) -> Vec<u8> {
    with_font(
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        contents,
    )
}

/// The same with another font dictionary; its own objects would begin at 4.
pub(in super::super) fn with_font(font: &str, contents: &[&str]) -> Vec<u8> {
    let mut pdf = Pdf::default();
    let catalogue = pdf.object("<< /Type /Catalog /Pages 2 0 R >>");
    // Object 3 is the font; pages follow in pairs of page and content.
    let kids: String = (0..contents.len()).map(|i| format!("{} 0 R ", 4 + 2 * i)).collect();
    pdf.object(&format!("<< /Type /Pages /Count {} /Kids [ {kids}] >>", contents.len()));
    pdf.object(font);
    for (i, content) in contents.iter().enumerate() {
        pdf.object(&format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F1 3 0 R >> >> >>",
            5 + 2 * i
        ));
        pdf.stream("", content.as_bytes());
    }
    pdf.build(catalogue)
}

/// A content stream that writes each line 14 points below the one before.
#[cfg(feature = "pdf")]
pub(in super::super) fn lines(lines: &[&str]) -> String {
    let shown: String = lines.iter().map(|line| format!("({line}) Tj T*\n")).collect();
    format!("BT /F1 11 Tf 14 TL 72 720 Td\n{shown}ET\n")
}
